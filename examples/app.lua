-- SPDX-License-Identifier: Apache-2.0
-- Short links. This file says which request goes where; it is loaded once per Lua state, and the function it returns
-- answers each request.
local api = require "api"
local home = require "views.home"
local respond = require "respond"
local stats = require "views.stats"
local store = require "store"
local validate = require "validate"

local shown = 50 -- links on the first page
local pages = {}

-- The first page: the form, with what was typed and what is wrong with it, and the links.
local function show_home(status, form, problems)
  local links, total = store.newest(shown)
  respond.page(status, "Links", home { form = form, problems = problems or {}, links = links, total = total,
    base = respond.base(), created = ngx.req.get_uri_args().created })
end

function pages.home()
  show_home(200, {})
end

-- The fields of a form: name -> text. A name that comes twice, or without a value, is nothing a browser sends from here.
local function form_fields()
  ngx.req.read_body()
  local fields = {}
  for name, value in pairs(ngx.req.get_post_args()) do
    fields[name] = type(value) == "string" and value or ""
  end
  return fields
end

function pages.create()
  local form = form_fields()
  local link, problems = validate(form)
  if link then link, problems = store.create(link) end
  if not link then return show_home(422, form, problems) end
  return ngx.redirect("/?created=" .. link.code, 303) -- so that a reload does not send the form again
end

function pages.delete(_, code)
  if not store.delete(code) then return respond.missing() end
  return ngx.redirect("/", 303)
end

function pages.follow(r, code)
  local link = store.find(code)
  if not link then return respond.missing() end
  if r.method ~= "HEAD" then
    store.count(code)
    ngx.ctx.followed = link -- for the log hook in httpd.conf
  end
  ngx.header["Cache-Control"] = "no-store" -- or the next click would not be counted
  return ngx.redirect(link.url)
end

function pages.stats()
  respond.page(200, "Statistics", stats(store.statistics()))
end

local routes = {
  { "GET", "^/$", pages.home },
  { "POST", "^/links$", pages.create },
  { "POST", "^/links/([%w_-]+)/delete$", pages.delete },
  { "GET", "^/stats$", pages.stats },
  { "GET", "^/api/links$", api.list },
  { "POST", "^/api/links$", api.create },
  { "GET", "^/api/links/([%w_-]+)$", api.show },
  { "DELETE", "^/api/links/([%w_-]+)$", api.delete },
  { "GET", "^/([%w_-]+)$", pages.follow },
}

return function(r)
  local method, allowed = r.method == "HEAD" and "GET" or r.method, {}
  for _, route in ipairs(routes) do
    local found = r.uri:match(route[2])
    if found and route[1] == method then return route[3](r, found) end
    if found then allowed[#allowed + 1] = route[1] end
  end
  if not allowed[1] then return respond.missing() end
  ngx.header["Allow"] = table.concat(allowed, ", ")
  return respond.problem(405, "Not that way", "This address does not take the method " .. r.method .. ".")
end

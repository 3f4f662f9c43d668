-- SPDX-License-Identifier: Apache-2.0
-- An ordinary Lapis application: a bit of everything. It knows nothing of the server it runs in.
local lapis = require "lapis"
local application = require "lapis.application"
local after_dispatch = require "lapis.nginx.context".after_dispatch
local cached = require "lapis.cache".cached
local config = require "lapis.config".get()
local null = require "cjson".null
local csrf = require "lapis.csrf"
local db = require "lapis.db"
local preload = require "lapis.db.model".preload
local from_json = require "lapis.util".from_json
local nginx = require "lapis.nginx"
local validate = require "lapis.validate"
local models = require "models"
local Users, Posts = models.Users, models.Posts
local capture_errors, json_params, respond_to = application.capture_errors, application.json_params, application.respond_to
local assert_error, yield_error = application.assert_error, application.yield_error

local app = lapis.Application()
app:enable "etlua"
app.layout = require "views.layout"

-- A table as text, the keys in order.
local function dump(value)
  if type(value) == "number" then return ("%.14g"):format(value) end
  if value == null then return "null" end
  if type(value) ~= "table" then return tostring(value) end
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  for i, key in ipairs(keys) do
    local field = value[key]
    if field == nil then field = value[tonumber(key)] end
    parts[i] = key .. "=" .. dump(field)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function plain(text, options)
  options = options or {}
  options[1], options.layout, options.content_type = text, false, "text/plain"
  return options
end

app:before_filter(function(self)
  self.res.headers["X-Site"] = "site"
  if self.params.stop then self:write { "stopped", status = 403, layout = false } end
end)

function app:handle_404()
  return plain("there is no " .. self.req.parsed_url.path, { status = 404 })
end

function app:handle_error(err)
  return plain("failed: " .. tostring(err):match "[^:]*$", { status = 500 })
end

app:get("index", "/", function(self)
  self.title, self.items = "Site & more", { "one", "two & three", "vier" }
  return { render = "index" }
end)

app:get("hello", "/hello/:name", function(self) return plain("hello, " .. self.params.name) end)
app:get("/number/:id[%d]", function(self) return plain("number " .. self.params.id) end)
app:get("/files/*", function(self) return plain("file " .. self.params.splat) end)
app:get("/maybe(/:this(/:that))", function(self) return plain(dump(self.params)) end)
app:match("/params", function(self) return plain(self.req.method .. " " .. dump(self.params)) end)
app:get("/get", function(self) return plain(dump(self.GET)) end)
app:get("/environment", function() return plain(config._name .. " " .. tostring(config.greeting)) end)
app:get("/page", function() return { render = "page" } end)
app:get("/big", function() return plain(("0123456789abcdef"):rep(20000)) end)
app:get("/empty", function() return { layout = false } end)
app:get("/host", function(self)
  local req = self.req
  return plain(table.concat({ req.scheme, req.method, req.request_uri, req.parsed_url.path, tostring(req.parsed_url.query) }, " "))
end)
app:get("/header", function(self)
  return plain(dump { agent = self.req.headers["X-Agent"], again = self.req.headers["x-again"] })
end)
app:match("/body", function(self) return plain(tostring(self.req:read_body_as_string())) end)

app:get("/json", function() return { json = { list = { 1, 2.5, "three", true, { a = "b" } } } } end)
app:post("/json", json_params(function(self) return plain(dump(self.params)) end))
app:post("/decode", capture_errors(function(self)
  local ok, value = pcall(from_json, self.req:read_body_as_string() or "")
  return plain(dump(assert_error(ok and value, "that is no JSON")))
end, function(self) return plain(self.errors[1], { status = 400 }) end))

app:get("/redirect", function(self) return { redirect_to = self:url_for("hello", { name = "again" }) } end)
app:get("/moved", function() return { redirect_to = "/hello/moved?a=1", status = 301 } end)
app:get("/status/:code", function(self) return plain("status " .. self.params.code, { status = tonumber(self.params.code) }) end)
app:get("/fields", function()
  return plain("fields", { headers = { ["X-One"] = "1", ["Cache-Control"] = "no-store", ["X-Two"] = "a, b" } })
end)
app:get("/type", function() return { "<x/>", layout = false, content_type = "application/xml" } end)

app:get("/cookie", function(self)
  self.cookies.taste = "sweet & sour"
  return plain("was " .. tostring(self.cookies.taste))
end)
app:get("/session", function(self) return plain("session " .. dump(self.session.word)) end)
app:get("/session/:word", function(self)
  self.session.word = self.params.word
  return plain "kept"
end)

app:match("form", "/form", respond_to {
  GET = function(self)
    self.csrf_token = csrf.generate_token(self)
    return { render = "form" }
  end,
  POST = capture_errors(function(self)
    csrf.assert_token(self)
    validate.assert_valid(self.params, {
      { "name", exists = true, min_length = 2 },
      { "age", optional = true, is_integer = true },
    })
    return plain("taken: " .. self.params.name)
  end, function(self) return plain(table.concat(self.errors, "; "), { status = 400 }) end),
})
app:match("/methods", respond_to {
  GET = function() return plain "got" end,
  PUT = function(self) return plain("put " .. tostring(self.params.a)) end,
  DELETE = function() return plain "deleted" end,
  before = function(self) if self.params.before then self:write(plain("before", { status = 401 })) end end,
})

app:post("/upload", function(self)
  local file = self.params.file
  if type(file) ~= "table" then return plain("no file: " .. dump(file), { status = 400 }) end
  return plain(("%s %s %d %s %s"):format(file.filename, file["content-type"], #file.content, ngx.md5(file.content),
    tostring(self.params.note)))
end)

app:post("/basket", capture_errors(function(self)
  return plain(("items: %d"):format(self:flow "basket":add()))
end, function(self) return plain(self.errors[1], { status = 400 }) end))

app:get("/fail", function() error("on purpose", 0) end)
app:get("/fail/nil", function(self) return self.nothing.there end)
app:get("/fail/yielded", capture_errors(function() yield_error "yielded" end, function(self)
  return plain(dump(self.errors), { status = 422 })
end))
app:get("/fail/query", function() db.query "select no_such_thing" end)

app:get("/users", function(self)
  local pages = Users:paginated("order by id asc", { per_page = 3 })
  local users = pages:get_page(tonumber(self.params.page) or 1)
  preload(users, "posts", "profile")
  local lines = { ("%d users, %d pages"):format(pages:total_items(), pages:num_pages()) }
  for _, user in ipairs(users) do
    lines[#lines + 1] = ("%d %s: %d posts, %s"):format(user.id, user.name, #user:get_posts(),
      user:get_profile() and user:get_profile().text or "no profile")
  end
  return plain(table.concat(lines, "\n"))
end)
app:get("/user/:id[%d]", function(self)
  local user = Users:find(self.params.id)
  if not user then return plain("no such user", { status = 404 }) end
  local titles = {}
  for i, post in ipairs(user:get_posts()) do titles[i] = post.title .. " by " .. post:get_user().name end
  return plain(table.concat(titles, "\n"))
end)
app:post("/users", capture_errors(function(self)
  local user = assert_error(Users:create { name = self.params.name })
  return plain("made " .. user.id, { status = 201 })
end, function(self) return plain(self.errors[1], { status = 400 }) end))
app:put("/user/:id[%d]", function(self)
  local user = Users:find(self.params.id)
  user:update { name = self.params.name }
  return plain("now " .. Users:find(self.params.id).name)
end)
app:delete("/user/:id[%d]", function(self) return plain(dump(Users:find(self.params.id):delete())) end)
app:get("/posts", function(self)
  local OrderedPaginator = require "lapis.db.pagination".OrderedPaginator
  local posts = OrderedPaginator(Posts, "id", { per_page = 2, order = "desc" }):after(self.params.after)
  local titles = {}
  for i, post in ipairs(posts) do titles[i] = post.title end
  return plain(table.concat(titles, ", "))
end)
app:get("/slow", function(self)
  return plain(dump(db.query("select pg_sleep(?), ? as word", tonumber(self.params.time) or 0.02, self.params.word or "done")[1].word))
end)
app:get("/connection", function() return plain(tostring(db.query("select pg_backend_pid() as pid")[1].pid)) end)

app:get("/cached", cached { dict_name = "page_cache", exptime = 60, function()
  local count = ngx.shared.page_cache:incr("made", 1, 0)
  return { "made " .. count, layout = false }
end })
app:get("/timer", function(self)
  local word = self.params.word
  assert(nginx.timer_at(0, function()
    local count = Users:count()
    after_dispatch(function() ngx.shared.page_cache:set("timer", word .. " " .. count) end)
  end))
  return plain "started"
end)
app:get("/timer/result", function()
  for _ = 1, 200 do
    local result = ngx.shared.page_cache:get "timer"
    if result then return plain(result) end
    ngx.sleep(0.01)
  end
  return plain "no result"
end)

local function count_after(self)
  after_dispatch(function() ngx.shared.page_cache:incr("after", 1, 0) end)
  return self
end
app:get("/after", function(self) return plain(dump(ngx.shared.page_cache:get "after")) end)
app:get("/after/ok", function(self) return plain("after", count_after {}) end)
app:get("/after/fail", function(self) error(count_after "fail", 0) end)
app:get("/after/exit", function(self)
  count_after(self)
  ngx.exit(410)
end)
app:get("/after/wait", function(self)
  count_after(self)
  db.query "select pg_sleep(30)"
end)
app:get("/print", function(self)
  ngx.header["Content-Type"] = "text/plain"
  ngx.say "first"
  ngx.flush(true)
  ngx.say "second"
  return { skip_render = true }
end)

return app

-- SPDX-License-Identifier: Apache-2.0
-- Answers: a page, JSON, or a problem in the form the client understands.
local json = require "cjson.safe"
local html = require "html"
local layout = require "views.layout"

local respond = {}

local notice = html.template [[
<section class="card notice">
  <p class="status">{status}</p>
  <h1>{title}</h1>
  <p>{text}</p>
  <p><a class="button" href="/">To the links</a></p>
</section>
]]

-- http://this.server:port, as the client knows it
function respond.base()
  return ngx.var.scheme .. "://" .. (ngx.var.http_host or ngx.var.host)
end

function respond.page(status, title, content)
  ngx.status = status
  ngx.header["Content-Type"] = "text/html; charset=utf-8"
  ngx.header["Cache-Control"] = "no-cache"
  ngx.print(tostring(layout { title = title, content = content }))
end

function respond.json(status, value)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Cache-Control"] = "no-cache"
  ngx.say(type(value) == "string" and value or assert(json.encode(value)))
end

function respond.problem(status, title, text)
  if ngx.var.uri:find "^/api/" then return respond.json(status, { error = title, message = text }) end
  respond.page(status, title, notice { status = status, title = title, text = text })
end

function respond.missing()
  respond.problem(404, "Nothing here", "No link of that name. It may have been deleted, or mistyped.")
end

return respond

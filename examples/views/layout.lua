-- SPDX-License-Identifier: Apache-2.0
-- What all pages have around them.
local html = require "html"

local frame = html.template [[
<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{title} · Short links</title>
  <link rel="stylesheet" href="/static/style.css">
  <link rel="icon" href="/static/icon.svg" type="image/svg+xml">
</head>
<body>
  <header>
    <a class="brand" href="/"><img src="/static/icon.svg" alt="" width="28" height="28">Short links</a>
    <nav>{tabs}</nav>
  </header>
  <main>
{content}  </main>
  <footer>Lua in Apache httpd, by mod_coral. Also as <a href="/api/links">JSON</a>.</footer>
</body>
</html>
]]

local tab = html.template [[<a href="{path}">{name}</a>]]
local tab_here = html.template [[<a href="{path}" aria-current="page">{name}</a>]]

-- layout { title, content }
return function(page)
  local tabs = {}
  for i, to in ipairs { { path = "/", name = "Links" }, { path = "/stats", name = "Statistics" } } do
    tabs[i] = (to.name == page.title and tab_here or tab)(to)
  end
  return frame { title = page.title, content = page.content, tabs = tabs }
end

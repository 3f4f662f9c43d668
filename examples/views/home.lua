-- SPDX-License-Identifier: Apache-2.0
-- The first page: a form and the links.
local html = require "html"

local page = html.template [[
{created}<form class="card" method="post" action="/links" novalidate>
  <h1>Shorten an address</h1>
{fields}  <button>Make it short</button>
</form>
{list}]]

local field = html.template [[
  <p class="field">
    <label for="{name}">{label}</label>
    <input id="{name}" name="{name}" type="{type}" value="{value}" placeholder="{example}" autocomplete="off" {state}>
{problem}  </p>
]]
local wrong = html.template [[aria-invalid="true" aria-describedby="{name}-problem"]]
local problem = html.template [[
    <span class="problem" id="{name}-problem">{text}</span>
]]

local created = html.template [[
<section class="card created" role="status">
  <p>Your link is ready. A click on it selects it.</p>
  <p class="short">{base}/{code}</p>
</section>
]]

local list = html.template [[
<section>
  <h2>{heading}</h2>
  <ul class="links">
{items}  </ul>
</section>
]]
local item = html.template [[
    <li class="card">
      <div class="what">
        <a class="code" href="/{code}">/{code}</a>
        <span class="title">{title}</span>
        <span class="url">{url}</span>
      </div>
      <div class="numbers">
        <span class="follows"><b>{follows}</b> {noun}</span>
        <span class="age">{age}</span>
      </div>
      <details>
        <summary>Delete</summary>
        <form method="post" action="/links/{code}/delete"><button class="danger">Yes, delete /{code}</button></form>
      </details>
    </li>
]]
local empty = html.template [[
<p class="empty">No links yet. Yours will be the first.</p>
]]

local fields = {
  { name = "url", label = "Long address", type = "url", example = "https://example.org/a/very/long/address" },
  { name = "code", label = "Name (optional)", type = "text", example = "party" },
  { name = "title", label = "Note (optional)", type = "text", example = "What is it?" },
}

local function form(values, problems)
  local parts = {}
  for i, f in ipairs(fields) do
    local text = problems[f.name]
    parts[i] = field { name = f.name, label = f.label, type = f.type, example = f.example, value = values[f.name],
      state = text and wrong(f), problem = text and problem { name = f.name, text = text } }
  end
  return parts
end

local function age(seconds)
  if seconds < 60 then return "just now" end
  if seconds < 3600 then return seconds // 60 .. " min ago" end
  if seconds < 86400 then return seconds // 3600 .. " h ago" end
  return os.date("!%d %b %Y", ngx.time() - seconds)
end

local function items(links)
  local parts = {}
  for i, link in ipairs(links) do
    parts[i] = item { code = link.code, title = link.title, url = link.url, follows = ("%d"):format(link.follows),
      noun = link.follows == 1 and "follow" or "follows", age = age(ngx.time() - link.created) }
  end
  return parts
end

local function heading(links, total)
  return #links == total and "All links" or ("The newest %d of %d links"):format(#links, total)
end

-- home { form, problems, links, total, base, created = the code of a link just made }
return function(data)
  local new
  for _, link in ipairs(data.links) do
    if link.code == data.created then new = created { base = data.base, code = link.code } end
  end
  return page { created = new, fields = form(data.form, data.problems),
    list = data.total == 0 and empty {} or list { heading = heading(data.links, data.total), items = items(data.links) } }
end

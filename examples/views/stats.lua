-- SPDX-License-Identifier: Apache-2.0
-- The statistics: sums, two weeks as a bar chart, the most followed links.
local html = require "html"

local page = html.template [[
<h1>Statistics</h1>
<dl class="sums">
  <div class="card"><dt>Links</dt><dd>{links}</dd></div>
  <div class="card"><dt>Follows</dt><dd>{follows}</dd></div>
  <div class="card"><dt>Today</dt><dd>{today}</dd></div>
</dl>
<section class="card">
  <h2>Follows in the last two weeks</h2>
  <svg class="chart" viewBox="0 0 560 190" role="img" aria-label="Follows per day">
{bars}  </svg>
</section>
<section class="card">
  <h2>Most followed</h2>
{top}</section>
]]

local bar = html.template [[
    <rect x="{x}" y="{y}" width="28" height="{height}" rx="4"><title>{day}: {count}</title></rect>
    <text x="{middle}" y="{above}">{count}</text><text class="day" x="{middle}" y="184">{label}</text>
]]
local row = html.template [[
    <li><p><a class="code" href="/{code}">/{code}</a> <span class="url">{url}</span> <b>{follows}</b></p></li>
]]
local ranking = html.template "  <ol class=\"top\">\n{rows}  </ol>\n"
local nothing = html.template "  <p class=\"empty\">Nobody has followed a link yet.</p>\n"

local function bars(days)
  local most, parts = 1, {}
  for _, day in ipairs(days) do most = math.max(most, day.count) end
  for i, day in ipairs(days) do
    local height, x = 140 * day.count // most, (i - 1) * 40 + 6
    if height < 3 then height = 3 end
    parts[i] = bar { x = x, y = 166 - height, height = height, middle = x + 14, above = 160 - height, day = day.day,
      count = day.count > 0 and day.count or nil, label = tonumber(day.day:sub(-2)) }
  end
  return parts
end

local function top(links)
  if not links[1] then return nothing {} end
  local parts = {}
  for i, link in ipairs(links) do
    parts[i] = row { code = link.code, url = link.url, follows = ("%d"):format(link.follows) }
  end
  return ranking { rows = parts }
end

-- stats(what store.statistics() returns)
return function(data)
  return page { links = data.links, follows = ("%d"):format(data.follows), today = data.days[#data.days].count,
    bars = bars(data.days), top = top(data.top) }
end

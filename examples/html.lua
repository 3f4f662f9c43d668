-- SPDX-License-Identifier: Apache-2.0
-- Templates that cannot forget to escape: whatever is put into one is text, unless it came out of one.
local html = {}

local markup = { __tostring = function(self) return self.text end }
local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

-- A list is put together, nil and false are nothing.
local function fill(value)
  if not value then return "" end
  if getmetatable(value) == markup then return value.text end
  if type(value) ~= "table" then return (tostring(value):gsub("[&<>\"']", entities)) end
  local parts = {}
  for i, part in ipairs(value) do parts[i] = fill(part) end
  return table.concat(parts)
end

-- template(text): a function that puts values in place of {name}
function html.template(text)
  return function(values)
    local filled = text:gsub("{([%a_]+)}", function(name) return fill(values[name]) end)
    return setmetatable({ text = filled }, markup)
  end
end

return html

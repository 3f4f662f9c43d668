-- SPDX-License-Identifier: Apache-2.0
-- What may become a link. validate(input) returns it, or nil and what is wrong: field -> message.
local reserved = { api = true, links = true, static = true, stats = true }
local check = {}

-- http and https only: a javascript: link would be somebody else's script on the pages that show it.
function check.url(text)
  if text == "" then return nil, "Paste the address the link leads to." end
  if #text > 2000 then return nil, "That is longer than 2000 characters." end
  local scheme, host, rest = text:match "^(%a+)://([^/?#]*)(.*)$"
  scheme = scheme and scheme:lower()
  if scheme ~= "http" and scheme ~= "https" then return nil, "An address begins with http:// or https://." end
  if not (host:find "^%w[%w.-]*:?%d*$" or host:find "^%[[%x:.]+%]:?%d*$") then
    return nil, "Check the name of the site, behind " .. scheme .. "://."
  end
  rest = rest:gsub("[\x80-\xff]", function(byte) return ("%%%02X"):format(byte:byte()) end)
  if rest:find "[^%w%-._~:/?#%[%]@!$&'()*+,;=%%]" then return nil, "An address has no blanks, quotes or brackets of that kind." end
  return scheme .. "://" .. host .. rest
end

-- Left out, the store makes one up.
function check.code(text)
  if text == "" then return nil end
  if not text:find "^[%w_-]+$" or #text < 2 or #text > 32 then return nil, "Use 2 to 32 letters, digits, - and _." end
  if reserved[text] then return nil, "This name is taken by the service itself." end
  return text
end

function check.title(text)
  local length = utf8.len(text)
  if not length or text:find "%c" then return nil, "This is not plain text." end
  if length > 80 then return nil, "That is longer than 80 characters." end
  return text
end

return function(input)
  local link, problems = {}, {}
  for field, of in pairs(check) do
    local text = input[field]
    if text == nil then text = "" end
    if type(text) == "string" then
      link[field], problems[field] = of(text:match "^%s*(.-)%s*$")
    else
      problems[field] = "This must be a text."
    end
  end
  if next(problems) then return nil, problems end
  return link
end

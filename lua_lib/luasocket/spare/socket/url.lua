-- SPDX-License-Identifier: Apache-2.0
-- require "socket.url" where LuaSocket is not installed: URLs and their parts (RFC 2396, as LuaSocket's).
local byte, char, concat = string.byte, string.char, table.concat
local ipairs, pairs, tonumber = ipairs, pairs, tonumber

local url = { _VERSION = "URL 1.0.3" }

local function hex(c) return ("%%%02x"):format(byte(c)) end
local function HEX(c) return ("%%%02X"):format(byte(c)) end

-- escape(s): all but letters, digits, _ and - becomes %xx … unescape(s)
function url.escape(s) return (s:gsub("[^A-Za-z0-9_]", hex)) end

function url.unescape(s)
  return (s:gsub("%%(%x%x)", function(digits) return char(tonumber(digits, 16)) end))
end

-- What may stand in a segment of a path.
local function protect(segment) return (segment:gsub("[^A-Za-z0-9%-_.!~*'(),:@&=+$]", HEX)) end

-- parse(text, defaults): scheme, authority, userinfo, user, password, host, port, path, params, query, fragment; nil: empty
function url.parse(text, default)
  local parsed = {}
  for name, value in pairs(default or parsed) do parsed[name] = value end
  if not text or text == "" then return nil, "invalid url" end
  local function take(pattern, name)
    text = text:gsub(pattern, function(value)
      parsed[name] = value
      return ""
    end)
  end
  take("^([%w][%w%+%-%.]*)%:", "scheme")
  take("^//([^/?#]*)", "authority")
  take("#(.*)$", "fragment")
  take("%?(.*)", "query")
  take("%;(.*)", "params")
  if text ~= "" then parsed.path = text end
  local authority = parsed.authority
  if not authority then return parsed end
  text = authority
  take("^([^@]*)@", "userinfo")
  take(":([^:%]]*)$", "port")
  if text ~= "" then parsed.host = text:match "^%[(.+)%]$" or text end
  local userinfo = parsed.userinfo
  if not userinfo then return parsed end
  text = userinfo
  take(":([^:]*)$", "password")
  parsed.user = text
  return parsed
end

local function authority_of(parsed)
  if not parsed.host then return parsed.authority end
  local authority = parsed.host:find ":" and "[" .. parsed.host .. "]" or parsed.host
  if parsed.port then authority = authority .. ":" .. parsed.port end
  local userinfo = parsed.userinfo
  if parsed.user then userinfo = parsed.user .. (parsed.password and ":" .. parsed.password or "") end
  return userinfo and userinfo .. "@" .. authority or authority
end

-- build(parsed): the text again
function url.build(parsed)
  local text = parsed.path or ""
  if parsed.params then text = text .. ";" .. parsed.params end
  if parsed.query then text = text .. "?" .. parsed.query end
  local authority = authority_of(parsed)
  if authority then
    if text ~= "" and text:sub(1, 1) ~= "/" then text = "/" .. text end
    text = "//" .. authority .. text
  end
  if parsed.scheme then text = parsed.scheme .. ":" .. text end
  if parsed.fragment then text = text .. "#" .. parsed.fragment end
  return text
end

-- Without its "." and, where there is something to go up from, its "..".
local function without_dots(path)
  local kept = {}
  local absolute = path:sub(1, 1) == "/"
  for segment, slash in (absolute and path:sub(2) or path):gmatch "([^/]*)(/?)" do
    if segment == ".." and #kept > 0 and kept[#kept] ~= "../" then kept[#kept] = nil
    elseif segment == ".." and not absolute then kept[#kept + 1] = segment .. slash
    elseif segment ~= "." and segment ~= ".." then kept[#kept + 1] = segment .. slash end
  end
  return (absolute and "/" or "") .. concat(kept)
end

local function absolute_path(base, relative)
  if relative:sub(1, 1) == "/" then return without_dots(relative) end
  return without_dots(base:gsub("[^/]*$", "") .. relative)
end

-- absolute(base, relative): where a relative URL leads to, seen from another
function url.absolute(base, relative)
  local base_parsed = type(base) == "table" and base or url.parse(base)
  if type(base) == "table" then base = url.build(base) end
  local parsed = url.parse(relative)
  if not base_parsed then return relative end
  if not parsed then return base end
  if parsed.scheme then return relative end
  parsed.scheme = base_parsed.scheme
  if not parsed.authority then
    parsed.authority = base_parsed.authority
    if not parsed.path then
      parsed.path = base_parsed.path
      if not parsed.params then
        parsed.params = base_parsed.params
        parsed.query = parsed.query or base_parsed.query
      end
    else
      parsed.path = absolute_path(base_parsed.path or "", parsed.path)
    end
  end
  return url.build(parsed)
end

-- parse_path(path): its segments, unescaped, with is_absolute and is_directory
function url.parse_path(path)
  path = path or ""
  local segments = {}
  for segment in path:gmatch "[^/]+" do segments[#segments + 1] = url.unescape(segment) end
  if path:sub(1, 1) == "/" then segments.is_absolute = 1 end
  if path:sub(-1) == "/" then segments.is_directory = 1 end
  return segments
end

-- build_path(segments, unsafe): the other way; unsafe: as they are
function url.build_path(segments, unsafe)
  local parts = {}
  for i, segment in ipairs(segments) do parts[i] = unsafe and segment or protect(segment) end
  local path = concat(parts, "/")
  if segments.is_directory and #parts > 0 then path = path .. "/" end
  return segments.is_absolute and "/" .. path or path
end

return url

-- SPDX-License-Identifier: Apache-2.0
-- What a client sends, as a file that is read once from its start: what has been read is not kept. new(r) makes one.
local body = require "coral.body"
local client = require "coral.client"
local is_subrequest = require "coral.request".is_subrequest
local exit = require "coral.response".exit
local PIECE <const> = 65536

local input = {}
local mt = { __index = input }

local function nothing() return nil end

-- A hook has read the body already: from the text.
local function text_source(text)
  local at = 1
  return function(take)
    if at > #text then return nil end
    local last = take == "*l" and (text:find("\n", at, true) or #text) or at + take - 1
    local piece = text:sub(at, last)
    at = at + #piece
    return piece
  end
end

-- A body that breaks off must not look like one that has come whole.
local function check_end(self, err)
  if err == "timeout" then exit(408) end
  if err ~= "closed" or self.got < self.length then exit(400) end
end

-- From the client. take: how many bytes, or "*l": up to the end of the line. What comes before the end of all counts, nil then.
local function socket_source(self, sock)
  self.got = 0
  local line = sock:receiveuntil("\n", { inclusive = true })
  return function(take)
    local piece, err, partial
    if self.ended then return nil end
    if take == "*l" then piece, err, partial = line() else piece, err, partial = sock:receive(take) end
    local data = piece or partial or ""
    self.got = self.got + #data
    if not piece then
      check_end(self, err)
      self.ended = true
    end
    return data ~= "" and data or nil
  end
end

local function source(self)
  if is_subrequest() then return nothing end
  local sock, err = client.socket()
  if sock then return socket_source(self, sock) end
  return err == "request body already exists" and text_source(body.text() or "") or nothing
end

local function all(self)
  local pieces = {}
  for piece in self.take, PIECE do pieces[#pieces + 1] = piece end
  return table.concat(pieces)
end

-- read(n): at most n bytes, fewer only at the end; nil at the end. "*l", "*L": a line, without its line feed or with it. "*a", or
-- nothing: what is left, "" at the end.
function input:read(what)
  self.take = self.take or source(self)
  if type(what) == "number" then
    return what > 0 and self.take(math.floor(what)) or nil
  end
  local form = what == nil and "a" or type(what) == "string" and what:match "^%*?([alL])"
  if form == "a" then return all(self) end
  if not form then error("bad argument #1 to 'read' (invalid format)", 2) end
  local line = self.take "*l"
  return line and form == "l" and line:gsub("\n$", "") or line
end

-- lines(): an iterator over the lines
function input:lines()
  return function() return self:read "l" end
end

-- What its length is said to be is in .length; 0 where nothing is said, as for a body in chunks.
local function new(r)
  return setmetatable({ length = tonumber(r.headers_in["Content-Length"]) or 0 }, mt)
end

return { new = new }

-- SPDX-License-Identifier: Apache-2.0
-- resty.upload, with the API of lua-resty-upload: a multipart form, piece by piece, from ngx.req.socket().
local upload = { _VERSION = "0.11" }
local mt = { __index = upload }

-- The parameter of Content-Type that says what stands between the parts.
local function boundary()
  for name, value in (ngx.var.content_type or ""):gmatch ';%s*(%w+)=("?[^;]*)' do
    if name:lower() == "boundary" then return value:match '^"([^"]+)"' or value:match "^[^,\"]+" end
  end
end

-- Keeps what is read for those who ask for the body later (ngx.req.init_body and its kind).
local function keeping(sock, size)
  ngx.req.init_body(size)
  local kept = {}
  local function keep(data, err, partial)
    local got = data or partial
    if got then ngx.req.append_body(got) end
    if not data then ngx.req.finish_body() end
    return data, err, partial
  end
  function kept:receive(...) return keep(sock:receive(...)) end
  function kept:settimeout(...) return sock:settimeout(...) end
  function kept:receiveuntil(pattern)
    local read, err = sock:receiveuntil(pattern)
    if not read then return nil, err end
    return function(n)
      local data, why = read(n)
      if data then ngx.req.append_body(data) end
      if n and not data and not why or not n and data then ngx.req.append_body(pattern) end
      return data, why
    end
  end
  return kept
end

-- upload:new(chunk_size, max_line_size, preserve_body): 4096, 512, false; nil and why
function upload.new(_, chunk_size, max_line_size, preserve_body)
  local name = boundary()
  if not name then return nil, "no boundary defined in Content-Type" end
  local sock, err = ngx.req.socket()
  if not sock then return nil, err end
  if preserve_body then sock = keeping(sock, chunk_size) end
  local self = setmetatable({ sock = sock, size = chunk_size or 4096, line_size = max_line_size or 512, boundary = name }, mt)
  self.read2boundary, err = sock:receiveuntil("--" .. name)
  if not self.read2boundary then return nil, err end
  self.read_line, err = sock:receiveuntil "\r\n"
  if not self.read_line then return nil, err end
  self.state = self.preamble
  return self
end

-- set_timeout(milliseconds)
function upload:set_timeout(timeout)
  if not self.sock then return nil, "not initialized" end
  return self.sock:settimeout(timeout)
end

-- A line of at most line_size bytes.
local function read_line(self)
  local line, err = self.read_line(self.line_size)
  if err then return nil, err end
  local more
  more, err = self.read_line(1) -- the pattern is met only by asking once more
  if more then return nil, "line too long: " .. (line or "") .. more .. "..." end
  if err then return nil, err end
  return line or ""
end

local function read_rest(self)
  repeat
    local data, err = self.sock:receive(self.size)
    if err and err ~= "closed" then return nil, err end
  until not data
  return true
end

function upload:preamble()
  while self.read2boundary(self.size) do end
  local line, err = read_line(self)
  if not line then return nil, nil, err end
  self.read2boundary, err = self.sock:receiveuntil("\r\n--" .. self.boundary)
  if not self.read2boundary then return nil, nil, err end
  self.state = self.header
  return self:header()
end

function upload:header()
  local line, err = read_line(self)
  if not line then return nil, nil, err end
  if line == "" then
    self.state = self.body
    return self:body()
  end
  local name, value = line:match "^([^:%s]+)%s*:%s*(.+)$"
  return "header", name and { name, value, line } or line
end

function upload:body()
  local chunk, err = self.read2boundary(self.size)
  if err then return nil, nil, err end
  if chunk then return "body", chunk end
  local after = self.sock:receive(2)
  local ok = true
  if after == "--" then
    self.state = self.eof
    ok, err = read_rest(self)
  else
    self.state = self.header
    if after ~= "\r\n" then ok, err = read_line(self) end
  end
  if not ok then return nil, nil, err end
  return "part_end"
end

function upload:eof()
  return "eof", nil
end

-- read(): "header", { name, value, line } (or the line, if it is no header); "body", bytes; "part_end"; "eof"; or nil, nil, why
function upload:read()
  return self.state(self)
end

return upload

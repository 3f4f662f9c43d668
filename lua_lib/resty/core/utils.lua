-- SPDX-License-Identifier: Apache-2.0
-- resty.core.utils: str_replace_char(text, find, replace), each one character
local utils = {}

function utils.str_replace_char(text, find, replace)
  return (text:gsub("%" .. find, (replace:gsub("%%", "%%%%"))))
end

return utils

-- SPDX-License-Identifier: Apache-2.0
-- names(t): its keys, in order
return function(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  return names
end

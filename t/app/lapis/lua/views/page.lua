-- SPDX-License-Identifier: Apache-2.0
-- A page of about 2 kB, as a widget of the HTML builder.
local Widget = require "lapis.html".Widget

return Widget:extend {
  content = function(self)
    h1("A page of " .. self.params.rows .. " rows")
    element("table", function()
      for i = 1, tonumber(self.params.rows) do
        tr(function()
          td(i)
          td { class = i % 2 == 0 and "even" or "odd", "row <" .. i .. ">" }
          td(function() a({ href = self:url_for("hello", { name = "row" .. i }) }, "look") end)
        end)
      end
    end)
    raw "<!-- done -->"
    text " & out"
  end,
}

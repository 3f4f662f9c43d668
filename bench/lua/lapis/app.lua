-- SPDX-License-Identifier: Apache-2.0
-- bench/lapis: a page of about 2 kB, by the HTML builder and a layout, and a query that takes 20 ms.
local lapis = require "lapis"
local Widget = require "lapis.html".Widget

local app = lapis.Application()

local Page = Widget:extend {
  content = function(self)
    h1("Rows for " .. self.params.name)
    element("table", function()
      for i = 1, 24 do
        tr(function()
          td(i)
          td { class = "name" , "row <" .. i .. ">" }
          td { class = "value", i * i .. " & more" }
        end)
      end
    end)
  end,
}

app:get("/page/:name", function() return { render = Page } end)
app:get("/slow", function()
  return { require "lapis.db".query("select pg_sleep(0.02), 'done' as word")[1].word, layout = false }
end)

return app

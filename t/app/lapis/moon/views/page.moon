-- SPDX-License-Identifier: Apache-2.0
import Widget from require "lapis.html"

class Page extends Widget
  content: =>
    h1 "A page of #{@params.rows} rows"
    element "table", ->
      for i = 1, tonumber @params.rows
        tr ->
          td i
          td class: i % 2 == 0 and "even" or "odd", "row <#{i}>"
          td -> a href: @url_for("hello", name: "row#{i}"), "look"
    raw "<!-- done -->"
    text " & out"

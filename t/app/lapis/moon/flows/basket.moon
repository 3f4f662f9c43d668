-- SPDX-License-Identifier: Apache-2.0
import Flow from require "lapis.flow"
import yield_error from require "lapis.application"

class BasketFlow extends Flow
  expose_assigns: true

  add: =>
    count = tonumber @params.count
    yield_error "count: a number is wanted" unless count
    @session.items = (@session.items or 0) + count
    @session.items

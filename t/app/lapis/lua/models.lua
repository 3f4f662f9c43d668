-- SPDX-License-Identifier: Apache-2.0
local Model = require "lapis.db.model".Model

local Users = Model:extend("users", {
  relations = { { "posts", has_many = "Posts", order = "id asc" }, { "profile", has_one = "Profiles" } },
  constraints = { name = function(_, value) if value == "" then return "a user has a name" end end },
})
local Posts = Model:extend("posts", { relations = { { "user", belongs_to = "Users" } } })
local Profiles = Model:extend("profiles", { primary_key = "user_id" })

local models = { Users = Users, Posts = Posts, Profiles = Profiles }
package.loaded["models"] = models
return models

-- SPDX-License-Identifier: Apache-2.0
import Model from require "lapis.db.model"

class Users extends Model
  @relations: { {"posts", has_many: "Posts", order: "id asc"}, {"profile", has_one: "Profiles"} }
  @constraints: { name: (value) => "a user has a name" if value == "" }

class Posts extends Model
  @relations: { {"user", belongs_to: "Users"} }

class Profiles extends Model
  @primary_key: "user_id"

package.loaded["models"] = { :Users, :Posts, :Profiles }
package.loaded["models"]

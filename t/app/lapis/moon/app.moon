-- SPDX-License-Identifier: Apache-2.0
-- The application of ../lua, in MoonScript: the parts of it that are written in another way there.
lapis = require "lapis"
require "lapis.features.etlua"
db = require "lapis.db"
csrf = require "lapis.csrf"
import Model from require "lapis.db.model"
import OrderedPaginator from require "lapis.db.pagination"
import capture_errors, respond_to, json_params from require "lapis.application"
import assert_valid from require "lapis.validate"
import timer_at from require "lapis.nginx"
import after_dispatch from require "lapis.nginx.context"
import cached from require "lapis.cache"

class Users extends Model
  @relations: { {"posts", has_many: "Posts", order: "id asc"} }

class Posts extends Model
  @relations: { {"user", belongs_to: "Users"} }

package.loaded["models"] = { :Users, :Posts }

plain = (text, options={}) ->
  options[1], options.layout, options.content_type = text, false, "text/plain"
  options

class extends lapis.Application
  @before_filter => @res.headers["X-Site"] = "site"
  layout: require "views.layout"

  handle_404: => plain "there is no #{@req.parsed_url.path}", status: 404
  handle_error: (err) => plain "failed: #{tostring(err)\match "[^:]*$"}", status: 500

  [index: "/"]: =>
    @title, @items = "Site & more", {"one", "two & three", "vier"}
    render: "index"

  [hello: "/hello/:name"]: => plain "hello, #{@params.name}"
  "/number/:id[%d]": => plain "number #{@params.id}"
  "/files/*": => plain "file #{@params.splat}"
  "/page": => render: "page"
  "/json": json_params => json: { list: {1, 2.5, "three", true, {a: "b"}} }
  "/redirect": => redirect_to: @url_for "hello", name: "again"
  "/session": => plain "session #{@session.word}"
  "/session/:word": =>
    @session.word = @params.word
    plain "kept"

  [form: "/form"]: respond_to {
    GET: =>
      @csrf_token = csrf.generate_token @
      render: "form"
    POST: capture_errors {
      on_error: => plain table.concat(@errors, "; "), status: 400
      =>
        csrf.assert_token @
        assert_valid @params, { { "name", exists: true, min_length: 2 } }
        plain "taken: #{@params.name}"
    }
  }

  "/upload": =>
    file = @params.file
    return plain "no file", status: 400 unless type(file) == "table"
    plain "#{file.filename} #{file["content-type"]} #{#file.content} #{ngx.md5 file.content}"

  "/basket": capture_errors {
    on_error: => plain @errors[1], status: 400
    => plain "items: #{@flow("basket")\add!}"
  }

  "/users": =>
    pages = Users\paginated "order by id asc", per_page: 3
    lines = ["#{user.id} #{user.name}: #{#user\get_posts!} posts" for user in *pages\get_page tonumber(@params.page) or 1]
    table.insert lines, 1, "#{pages\total_items!} users, #{pages\num_pages!} pages"
    plain table.concat lines, "\n"

  "/posts": =>
    posts = OrderedPaginator(Posts, "id", per_page: 2, order: "desc")\after @params.after
    plain table.concat [post.title for post in *posts], ", "

  "/slow": => plain db.query("select pg_sleep(0.02), ? as word", @params.word or "done")[1].word
  "/fail": => error "on purpose", 0
  "/fail/query": => db.query "select no_such_thing"
  "/cached": cached {
    dict_name: "page_cache"
    => { "made #{ngx.shared.page_cache\incr "made", 1, 0}", layout: false }
  }

  "/timer": =>
    word = @params.word
    assert timer_at 0, ->
      count = Users\count!
      after_dispatch -> ngx.shared.page_cache\set "timer", "#{word} #{count}"
    plain "started"

  "/timer/result": =>
    for _ = 1, 200
      if result = ngx.shared.page_cache\get "timer"
        return plain result
      ngx.sleep 0.01
    plain "no result"

-- SPDX-License-Identifier: Apache-2.0
-- The application of ../lua, in MoonScript, as one writes it there: a class, widgets, models with relations.
lapis = require "lapis"
require "lapis.features.etlua"
config = require("lapis.config").get!
csrf = require "lapis.csrf"
db = require "lapis.db"
import null from require "cjson"
import capture_errors, json_params, respond_to, assert_error, yield_error from require "lapis.application"
import cached from require "lapis.cache"
import preload from require "lapis.db.model"
import OrderedPaginator from require "lapis.db.pagination"
import timer_at from require "lapis.nginx"
import after_dispatch from require "lapis.nginx.context"
import from_json from require "lapis.util"
import assert_valid from require "lapis.validate"
import Users, Posts from require "models"

-- A table as text, the keys in order.
dump = (value) ->
  return "%.14g"\format value if type(value) == "number"
  return "null" if value == null
  return tostring value unless type(value) == "table"
  keys = [tostring key for key in pairs value]
  table.sort keys
  parts = for key in *keys
    field = value[key]
    field = value[tonumber key] if field == nil
    "#{key}=#{dump field}"
  "{#{table.concat parts, ","}}"

plain = (text, options={}) ->
  options[1], options.layout, options.content_type = text, false, "text/plain"
  options

failing = (status, fn) -> capture_errors { on_error: (=> plain table.concat(@errors, "; "), :status), fn }

count_after = (result) ->
  after_dispatch -> ngx.shared.page_cache\incr "after", 1, 0
  result

class extends lapis.Application
  layout: require "views.layout"

  @before_filter =>
    @res.headers["X-Site"] = "site"
    @write "stopped", status: 403, layout: false if @params.stop

  handle_404: => plain "there is no #{@req.parsed_url.path}", status: 404
  handle_error: (err) => plain "failed: #{tostring(err)\match "[^:]*$"}", status: 500

  [index: "/"]: =>
    @title, @items = "Site & more", {"one", "two & three", "vier"}
    render: "index"

  [hello: "/hello/:name"]: => plain "hello, #{@params.name}"
  "/number/:id[%d]": => plain "number #{@params.id}"
  "/files/*": => plain "file #{@params.splat}"
  "/maybe(/:this(/:that))": => plain dump @params
  "/params": => plain "#{@req.method} #{dump @params}"
  "/get": => plain dump @GET
  "/environment": => plain "#{config._name} #{config.greeting}"
  "/page": => render: "page"
  "/big": => plain "0123456789abcdef"\rep 20000
  "/empty": => layout: false
  "/host": =>
    req = @req
    plain table.concat { req.scheme, req.method, req.request_uri, req.parsed_url.path, tostring req.parsed_url.query }, " "
  "/header": => plain dump { agent: @req.headers["X-Agent"], again: @req.headers["x-again"] }
  "/body": => plain tostring @req\read_body_as_string!

  "/json": respond_to {
    GET: => json: { list: {1, 2.5, "three", true, {a: "b"}} }
    POST: json_params => plain dump @params
  }
  "/decode": failing 400, =>
    ok, value = pcall from_json, @req\read_body_as_string! or ""
    plain dump assert_error ok and value, "that is no JSON"

  "/redirect": => redirect_to: @url_for "hello", name: "again"
  "/moved": => redirect_to: "/hello/moved?a=1", status: 301
  "/status/:code": => plain "status #{@params.code}", status: tonumber @params.code
  "/fields": => plain "fields", headers: { "X-One": "1", "Cache-Control": "no-store", "X-Two": "a, b" }
  "/type": => { "<x/>", layout: false, content_type: "application/xml" }

  "/cookie": =>
    @cookies.taste = "sweet & sour"
    plain "was #{@cookies.taste}"
  "/session": => plain "session #{@session.word}"
  "/session/:word": =>
    @session.word = @params.word
    plain "kept"

  [form: "/form"]: respond_to {
    GET: =>
      @csrf_token = csrf.generate_token @
      render: "form"
    POST: failing 400, =>
      csrf.assert_token @
      assert_valid @params, {
        { "name", exists: true, min_length: 2 }
        { "age", optional: true, is_integer: true }
      }
      plain "taken: #{@params.name}"
  }
  "/methods": respond_to {
    before: => @write plain "before", status: 401 if @params.before
    GET: => plain "got"
    PUT: => plain "put #{@params.a}"
    DELETE: => plain "deleted"
  }

  "/upload": =>
    file = @params.file
    return plain "no file: #{dump file}", status: 400 unless type(file) == "table"
    plain "#{file.filename} #{file["content-type"]} #{#file.content} #{ngx.md5 file.content} #{@params.note}"

  "/basket": failing 400, => plain "items: %d"\format @flow("basket")\add!

  "/fail": => error "on purpose", 0
  "/fail/nil": => @nothing.there
  "/fail/yielded": failing 422, -> yield_error "yielded"
  "/fail/query": => db.query "select no_such_thing"

  "/users": respond_to {
    GET: =>
      pages = Users\paginated "order by id asc", per_page: 3
      users = pages\get_page tonumber(@params.page) or 1
      preload users, "posts", "profile"
      lines = for user in *users
        profile = user\get_profile!
        "#{user.id} #{user.name}: #{#user\get_posts!} posts, #{profile and profile.text or "no profile"}"
      table.insert lines, 1, "#{pages\total_items!} users, #{pages\num_pages!} pages"
      plain table.concat lines, "\n"
    POST: failing 400, =>
      user = assert_error Users\create name: @params.name
      plain "made #{user.id}", status: 201
  }
  "/user/:id[%d]": respond_to {
    before: => @user = Users\find @params.id
    GET: =>
      return plain "no such user", status: 404 unless @user
      plain table.concat ["#{post.title} by #{post\get_user!.name}" for post in *@user\get_posts!], "\n"
    PUT: =>
      @user\update name: @params.name
      plain "now #{Users\find(@params.id).name}"
    DELETE: => plain dump @user\delete!
  }
  "/posts": =>
    posts = OrderedPaginator(Posts, "id", per_page: 2, order: "desc")\after @params.after
    plain table.concat [post.title for post in *posts], ", "
  "/slow": => plain db.query("select pg_sleep(0.02), ? as word", @params.word or "done")[1].word
  "/connection": => plain tostring db.query("select pg_backend_pid() as pid")[1].pid

  "/cached": cached {
    dict_name: "page_cache"
    exptime: 60
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

  "/after": => plain dump ngx.shared.page_cache\get "after"
  "/after/ok": => count_after plain "after"
  "/after/fail": => error count_after("fail"), 0
  "/after/exit": =>
    count_after!
    ngx.exit 410
  "/print": =>
    ngx.header["Content-Type"] = "text/plain"
    ngx.say "first"
    ngx.flush true
    ngx.say "second"
    skip_render: true

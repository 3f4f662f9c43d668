-- SPDX-License-Identifier: Apache-2.0
-- Lines for httpd that serve an application's static files, for both configurations of it.
return [[
# Static files are httpd's to serve.
Alias "/static/" "${{folder}}/static/"
Alias "/favicon.ico" "${{folder}}/static/favicon.ico"
<Directory "${{folder}}/static">
    Require all granted
    Options None
    AllowOverride None
    <IfModule headers_module>
        Header set Cache-Control "${{cache_control}}"
    </IfModule>
</Directory>
]]

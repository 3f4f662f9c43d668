-- SPDX-License-Identifier: Apache-2.0
-- An answer that goes wrong half way: bench/leaks looks whether anything is left behind.

ngx.header["X-Half"] = "way"
ngx.print("half an answer")
error("failed as asked")

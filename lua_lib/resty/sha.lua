-- SPDX-License-Identifier: Apache-2.0
-- resty.sha: lua-resty-string's digests have it in common
return { _VERSION = "0.17" }

-- SPDX-License-Identifier: Apache-2.0
-- bit: LuaJIT's operations on 32 bits; results are signed.
return require("coral.jit").bit

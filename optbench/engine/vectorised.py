"""The jitted versions of :mod:`optbench.elementwise`: range reduction and a polynomial.

PyPI wheels of Numba have no SVML, so ``math.exp`` costs 6-12 ns in a loop.  These functions have
no branch and no table; LLVM vectorises a loop over them.  Errors over the whole range are below
2 ulp (``tests/engine/test_vectorised.py`` measures them against mpmath).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from optbench import elementwise

LOG2_E = 1.4426950408889634
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
ROUND_TO_INTEGER = 6755399441055744.0  # 1.5 * 2**52: adding it leaves round(x) in the low bits
FLAGS = {
    "jit_options": {"fastmath": {"contract"}, "error_model": "numpy", "forceinline": True},
    "strict": False,
}


@intrinsic  # type: ignore[untyped-decorator]
def _as_float(_context: Any, bits: Any) -> Any:
    def codegen(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _as_bits(_context: Any, x: Any) -> Any:
    def codegen(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@overload(elementwise.exp, **FLAGS)
def _exp(x: Any) -> Any:
    def implementation(x: float) -> float:
        # x = k log 2 + r with |r| <= log(2) / 2;  e**x = 2**k * (Taylor polynomial of degree 13)
        x = -746.0 if x < -746.0 else x
        x = 710.0 if x > 710.0 else x
        shifted = x * LOG2_E + ROUND_TO_INTEGER
        k = shifted - ROUND_TO_INTEGER
        r = (x - k * LN2_HIGH) - k * LN2_LOW
        p = 1.6059043836821613e-10
        p = p * r + 2.08767569878680989792e-09
        p = p * r + 2.50521083854417187751e-08
        p = p * r + 2.75573192239858906526e-07
        p = p * r + 2.75573192239858906526e-06
        p = p * r + 2.48015873015873015873e-05
        p = p * r + 1.98412698412698412698e-04
        p = p * r + 1.38888888888888888889e-03
        p = p * r + 8.33333333333333333333e-03
        p = p * r + 4.16666666666666666667e-02
        p = p * r + 1.66666666666666666667e-01
        p = p * r + 0.5
        p = p * r + 1.0
        p = p * r + 1.0
        # 2**k in two factors, so that results below 2**-1022 and overflow come out right
        whole = _as_bits(shifted) - 4843621399236968448  # the bits of ROUND_TO_INTEGER
        half = whole >> 1
        return (p * _as_float((half + 1023) << 52)) * _as_float((whole - half + 1023) << 52)

    return implementation


@overload(elementwise.log, **FLAGS)
def _log(x: Any) -> Any:
    def implementation(x: float) -> float:
        # x = 2**k m, m in [sqrt(1/2), sqrt 2), f = m - 1, s = f / (2 + f): fdlibm's e_log.c
        tiny = x < 2.2250738585072014e-308
        bits = _as_bits(x * 18014398509481984.0 if tiny else x)
        adjusted = bits - 4604544271217802189  # the bits of sqrt(1/2)
        k = float((adjusted >> 52) - (54 if tiny else 0))
        m = _as_float(bits - (adjusted & -4503599627370496))
        f = m - 1.0
        s = f / (2.0 + f)
        z = s * s
        r = 1.479819860511658591e-01
        r = r * z + 1.531383769920937332e-01
        r = r * z + 1.818357216161805012e-01
        r = r * z + 2.222219843214978396e-01
        r = r * z + 2.857142874366239149e-01
        r = r * z + 3.999999999940941908e-01
        r = r * z + 6.666666666666735130e-01
        r = r * z
        half = 0.5 * f * f
        value = k * LN2_HIGH - ((half - (s * (half + r) + k * LN2_LOW)) - f)
        value = x if x == float("inf") else value
        value = -float("inf") if x == 0.0 else value
        return value if x >= 0.0 else float("nan")

    return implementation


@overload(elementwise.log1p, **FLAGS)
def _log1p(x: Any) -> Any:
    def implementation(x: float) -> float:
        # log(1 + x) = log(u) + (x - (u - 1)) / u with u = fl(1 + x): the rounding of u put back
        u = 1.0 + x
        value = elementwise.log(u)
        return value if abs(value) == float("inf") else value + (x - (u - 1.0)) / u

    return implementation


@overload(elementwise.sigmoid, **FLAGS)
def _sigmoid(x: Any) -> Any:
    def implementation(x: float) -> float:
        return 1.0 / (1.0 + elementwise.exp(-x))

    return implementation

"""The jitted versions of :mod:`optbench.elementwise`: range reduction and a polynomial.

PyPI wheels of Numba have no SVML, so ``math.exp`` costs 6-12 ns in a loop.  These functions have
no branch and no table; LLVM vectorises a loop over them.  Errors over the whole range are below
2 ulp, those of the sigmoid below 2.5 (``tests/engine/test_vectorised.py`` measures them against
mpmath).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload, register_jitable

from optbench import elementwise
from optbench.engine.compiler.overloads import INLINED

LOG2_E = 1.4426950408889634
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
ROUND_TO_INTEGER = 6755399441055744.0  # 1.5 * 2**52: adding it leaves round(x) in the low bits
INTEGER_BITS = 4843621399236968448  # of ROUND_TO_INTEGER
OPTIONS = {"fastmath": {"contract"}, "error_model": "numpy", **INLINED}
FLAGS = {
    "jit_options": OPTIONS,
    "strict": False,
}


@intrinsic
def _as_float(_context: Any, bits: Any) -> Any:
    def codegen(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), codegen


@intrinsic
def _as_bits(_context: Any, x: Any) -> Any:
    def codegen(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@register_jitable(**OPTIONS)
def _reduced(x: float) -> tuple[int, float]:
    """Return k and r of x = k log(2) + r with |r| <= log(2) / 2."""
    shifted = x * LOG2_E + ROUND_TO_INTEGER
    k = shifted - ROUND_TO_INTEGER
    return _as_bits(shifted) - INTEGER_BITS, (x - k * LN2_HIGH) - k * LN2_LOW


@register_jitable(**OPTIONS)
def _polynomial(r: float) -> float:
    """e**r for |r| <= log(2) / 2, in Estrin's order: degree 11, within 1e-17.

    1 + r + r**2 q(r), where q of degree 9 has the least largest relative error of the whole
    (3.7e-18; 9.8e-18 with coefficients rounded to doubles).
    """
    r2 = r * r
    r4 = r2 * r2
    low = r2 * (0.5000000000000011 + r * 0.16666666666666416)
    middle = (0.041666666666529587 + r * 0.008333333333492218) + r2 * (
        0.0013888888943753017 + r * 0.00019841269511434453
    )
    high = (2.4801492992379604e-05 + r * 2.7557582071957803e-06) + r2 * (
        2.76302806075923e-07 + r * 2.5001406146577133e-08
    )
    return 1.0 + (r + (low + r4 * (middle + r4 * high)))


@overload(elementwise.exp, **FLAGS)
def _exp(x: Any) -> Any:
    def implementation(x: float) -> float:
        # e**x = 2**k e**r
        x = -746.0 if x < -746.0 else x
        x = 710.0 if x > 710.0 else x
        k, r = _reduced(x)
        p = _polynomial(r)
        # 2**k in two factors, so that results below 2**-1022 and overflow come out right
        half = k >> 1
        return (p * _as_float((half + 1023) << 52)) * _as_float((k - half + 1023) << 52)

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


@overload(elementwise.sinh, **FLAGS)
def _sinh(x: Any) -> Any:
    def implementation(x: float) -> float:
        # |x| < 1: x + x^3 / 3! + ... + x^17 / 17!, the next term is below 1e-17 of the sum;
        # else (e^|x| - e^-|x|) / 2 with the sign of x
        z = x * x
        r = 2.8114572543455206e-15
        r = r * z + 7.647163731819816e-13
        r = r * z + 1.6059043836821613e-10
        r = r * z + 2.505210838544172e-08
        r = r * z + 2.7557319223985893e-06
        r = r * z + 1.984126984126984e-04
        r = r * z + 8.333333333333333e-03
        r = r * z + 1.6666666666666666e-01
        power = elementwise.exp(abs(x))
        large = 0.5 * power - 0.5 / power
        large = large if x > 0.0 else -large
        return x + x * z * r if z < 1.0 else large

    return implementation


@overload(elementwise.sigmoid, **FLAGS)
def _sigmoid(x: Any) -> Any:
    def implementation(x: float) -> float:
        # e**-x = 2**k e**r as above, 2**k in one factor: between -708 and 708 nothing overflows or
        # underflows.  e**r = (a + b) / (a - b), a even and b odd in r, so that one division does:
        # sigmoid(x) = (a - b) / ((a - b) + 2**k (a + b)).
        y = -708.0 if -x < -708.0 else -x
        y = 708.0 if y > 708.0 else y
        k, r = _reduced(y)
        power = _as_float((k + 1023) << 52)
        s = r * r
        # the least largest relative error of e**r: 1.2e-18; 1.4e-18 with rounded coefficients
        a = 1.0 + s * (0.11110799459735093 + s * 0.0009917518814247107)
        b = r * (0.5 + s * (0.013887330632009918 + s * 3.304283241390095e-05))
        low = a - b
        return low / (low + (a + b) * power)

    return implementation

"""The kernels as LLVM's intermediate representation.

Source: https://llvm.org/docs/LangRef.html (masked gather and scatter, vector compress).
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from steps.forest import quantise_ir, walk_ir

if TYPE_CHECKING:
    from steps.forest.packing import WordFormat

# The largest number of items, which are pairs of a row and a tree, that are walked together.
BLOCK = 1024
# What the arrays of items have behind BLOCK: a chunk may begin at the last item.
PADDING = 64
_LANES = walk_ir.LANES

_DECLARATIONS = """
declare <16 x i32> @llvm.masked.gather.v16i32.v16p0(<16 x ptr>, i32, <16 x i1>, <16 x i32>)
declare <16 x i64> @llvm.masked.gather.v16i64.v16p0(<16 x ptr>, i32, <16 x i1>, <16 x i64>)
declare <16 x float> @llvm.masked.gather.v16f32.v16p0(<16 x ptr>, i32, <16 x i1>, <16 x float>)
declare void @llvm.masked.scatter.v16i32.v16p0(<16 x i32>, <16 x ptr>, i32, <16 x i1>)
declare <16 x i32> @llvm.experimental.vector.compress.v16i32(<16 x i32>, <16 x i1>, <16 x i32>)
declare i16 @llvm.ctpop.i16(i16)
declare i32 @llvm.ctlz.i32(i32, i1)
declare i64 @llvm.umin.i64(i64, i64)
declare i32 @llvm.umin.i32(i32, i32)
declare <16 x i32> @llvm.umin.v16i32(<16 x i32>, <16 x i32>)
"""

# Add the margins of rows to `out`, block by block. A block is quantised, and then walked through a group of trees: one
# tree for 513 to 1024 rows, two for 257 to 512 rows, and 1024 trees for one row. An item is a row and a tree of its
# group. Its slot is the tree's number in the group, shifted by %shift bits, plus the row's number in the block.
_MARGINS = """
define void @margins(ptr %words, ptr %roots, ptr %models, i32 %trees,
                     ptr %column_feature, ptr %column_missing, ptr %column_start, ptr %column_steps, i32 %columns,
                     ptr %thresholds, ptr %rows, i64 %count, i32 %features, ptr %out, i64 %out_stride,
                     ptr %bins, ptr %item_position, ptr %item_word, ptr %item_slot, ptr %leaves) {
entry:
  %features64 = zext i32 %features to i64
  br label %block.test
block.test:
  %first = phi i64 [ 0, %entry ], [ %block.next, %block.end ]
  %block.more = icmp ult i64 %first, %count
  br i1 %block.more, label %block, label %exit
block:
  %left = sub i64 %count, %first
  %size64 = call i64 @llvm.umin.i64(i64 %left, i64 $BLOCK)
  %size = trunc i64 %size64 to i32
  %offset = mul i64 %first, %features64
  %block.rows = getelementptr float, ptr %rows, i64 %offset
  call void @quantise(ptr %column_feature, ptr %column_missing, ptr %column_start, ptr %column_steps, i32 %columns,
                      ptr %thresholds, ptr %block.rows, i32 %size, i32 %features, ptr %bins)
  %size.less = sub i32 %size, 1
  %zeros = call i32 @llvm.ctlz.i32(i32 %size.less, i1 false)
  %shift = sub i32 32, %zeros
  %group = lshr i32 $BLOCK, %shift
  %row.end = shl i32 1, %shift
  %row.mask = sub i32 %row.end, 1
  br label %group.test
group.test:
  %tree = phi i32 [ 0, %block ], [ %group.next, %group.end ]
  %group.more = icmp ult i32 %tree, %trees
  br i1 %group.more, label %group.begin, label %block.end
group.begin:
  %trees.left = sub i32 %trees, %tree
  %group.size = call i32 @llvm.umin.i32(i32 %trees.left, i32 %group)
  %group.roots = getelementptr i32, ptr %roots, i32 %tree
  %items = call i32 @begin(ptr %words, ptr %group.roots, i32 %group.size, i32 %size, i32 %shift,
                           ptr %item_position, ptr %item_word, ptr %item_slot)
  call void @walk(ptr %words, ptr %bins, i32 %items, i32 %row.mask, ptr %item_position, ptr %item_word, ptr %item_slot,
                  ptr %leaves)
  br label %add.tree
add.tree:
  %k = phi i32 [ 0, %group.begin ], [ %k.next, %add.tree.end ]
  %this.tree = add i32 %tree, %k
  %model.at = getelementptr i32, ptr %models, i32 %this.tree
  %model = load i32, ptr %model.at
  %model64 = zext i32 %model to i64
  %out.model = mul i64 %model64, %out_stride
  %out.first = add i64 %out.model, %first
  %out.at = getelementptr float, ptr %out, i64 %out.first
  %slot.first = shl i32 %k, %shift
  %leaves.at = getelementptr float, ptr %leaves, i32 %slot.first
  br label %add.row
add.row:
  %row = phi i32 [ 0, %add.tree ], [ %row.next, %add.row ]
$LEAF
  %margin.at = getelementptr float, ptr %out.at, i32 %row
  %margin = load float, ptr %margin.at
  %sum = fadd float %margin, %leaf
  store float %sum, ptr %margin.at
  %row.next = add i32 %row, 1
  %row.more = icmp ult i32 %row.next, %size
  br i1 %row.more, label %add.row, label %add.tree.end
add.tree.end:
  %k.next = add i32 %k, 1
  %k.more = icmp ult i32 %k.next, %group.size
  br i1 %k.more, label %add.tree, label %group.end
group.end:
  %group.next = add i32 %tree, %group.size
  br label %group.test
block.end:
  %block.next = add i64 %first, %size64
  br label %block.test
exit:
  ret void
}
"""

# Write the items of a group of trees, each at the root of its tree, and return their number. Of a tree's last sixteen
# items the surplus ones are overwritten by the next tree.
_BEGIN = """
define internal i32 @begin(ptr %words, ptr %roots, i32 %trees, i32 %size, i32 %shift,
                           ptr %item_position, ptr %item_word, ptr %item_slot) {
entry:
  br label %tree
tree:
  %k = phi i32 [ 0, %entry ], [ %k.next, %tree.end ]
  %item = phi i32 [ 0, %entry ], [ %item.next, %tree.end ]
  %root.at = getelementptr i32, ptr %roots, i32 %k
  %root = load i32, ptr %root.at
  %word.at = getelementptr $WORD, ptr %words, i32 %root
  %word = load $WORD, ptr %word.at
  %word.v = $SPLAT_WORD(%word)
  %position.v = $SPLAT_I32(%root)
  %slot.first = shl i32 %k, %shift
  br label %row
row:
  %j = phi i32 [ 0, %tree ], [ %j.next, %row ]
  %to = add i32 %item, %j
  %slot = add i32 %slot.first, %j
  %slot.s = $SPLAT_I32(%slot)
  %slot.v = add <16 x i32> %slot.s, $IOTA
  %position.to = getelementptr i32, ptr %item_position, i32 %to
  store <16 x i32> %position.v, ptr %position.to, align 4
  %word.to = getelementptr $WORD, ptr %item_word, i32 %to
  store <16 x $WORD> %word.v, ptr %word.to, align 4
  %slot.to = getelementptr i32, ptr %item_slot, i32 %to
  store <16 x i32> %slot.v, ptr %slot.to, align 4
  %j.next = add i32 %j, 16
  %j.more = icmp ult i32 %j.next, %size
  br i1 %j.more, label %row, label %tree.end
tree.end:
  %item.next = add i32 %item, %size
  %k.next = add i32 %k, 1
  %k.more = icmp ult i32 %k.next, %trees
  br i1 %k.more, label %tree, label %exit
exit:
  ret i32 %item.next
}
"""

# Turn margins into probabilities as XGBoost does, with the C library's `expf`.
# Source: `Sigmoid` in XGBoost's math.h: 1 / (expf(min(-x, 88.7)) + 1 + 1e-16), in float32.
_SIGMOID = """
define void @sigmoid(ptr %values, i64 %count, ptr %expf) {
entry:
  br label %test
test:
  %i = phi i64 [ 0, %entry ], [ %next, %value ]
  %more = icmp ult i64 %i, %count
  br i1 %more, label %value, label %exit
value:
  %at = getelementptr float, ptr %values, i64 %i
  %x = load float, ptr %at
  %minus = fneg float %x
  %large = fcmp olt float $LIMIT, %minus
  %bounded = select i1 %large, float $LIMIT, float %minus
  %power = call float %expf(float %bounded)
  %more.than.one = fadd float %power, 1.0
  %denominator = fadd float %more.than.one, $EPSILON
  %probability = fdiv float 1.0, %denominator
  store float %probability, ptr %at
  %next = add i64 %i, 1
  br label %test
exit:
  ret void
}
"""


def source(form: WordFormat, *, gathers: bool) -> str:
    """Return the module with the kernels ``margins`` and ``sigmoid``.

    Args:
        form: The format of the words.
        gathers: Whether the processor has AVX-512. Without it, items are walked with scalar loads.
    """
    word, walk = f"i{form.word}", walk_ir.vector_walk(form) if gathers else walk_ir.SCALAR
    margins = walk_ir.fill(_MARGINS, LEAF=walk_ir.VECTOR_LEAF if gathers else walk_ir.SCALAR_LEAF)
    column_shift = BLOCK.bit_length() - 1 - form.bin
    numbers = {
        "ONE": (1, "i32"),
        "TRUE": ("true", "i1"),
        "BIN_MASK": (form.highest_bin, "i32"),
        "COLUMN_BITS": (abs(column_shift), word),
        "COLUMN_MASK": (((1 << form.column) - 1) * BLOCK, "i32"),
        "DISTANCE": (form.distance, word),
        "LEFT_SPLIT": (1 << form.left_split, word),
        "RIGHT_SPLIT": (2 << form.left_split, word),
        "LEFT_SPLIT_AT": (form.left_split, word),
    }
    text = walk_ir.fill(
        _DECLARATIONS + _SIGMOID + quantise_ir.QUANTISE + _BEGIN + walk + margins,
        **{name: value for name, (value, _) in numbers.items()},
        **{f"{name}_V": _constant(value, kind) for name, (value, kind) in numbers.items()},
        BLOCK=BLOCK,
        COLUMN_SHIFT="lshr" if column_shift < 0 else "shl",
        IOTA=f"<{', '.join(f'i32 {i}' for i in range(_LANES))}>",
        CELL=f"i{form.bin}",
        WORD=word,
        WORD_BYTES=form.word // 8,
        LIMIT=_float(88.7),
        EPSILON=_float(1e-16),
    )
    return _expand(text, word, "<16 x {}>" if gathers else "{}")


def _expand(text: str, word: str, shape: str) -> str:
    """Replace operations that are written as calls: they take two instructions, or depend on the size of a word."""
    narrow = "bitcast" if word == "i32" else "trunc"
    for name, kind in (("I32", "i32"), ("WORD", word)):
        vector = f"<16 x {kind}>"
        splat = (
            rf"\1.lane = insertelement {vector} poison, {kind} \2, i32 0"
            rf"\n  \1 = shufflevector {vector} \1.lane, {vector} poison, <16 x i32> zeroinitializer"
        )
        text = re.sub(rf"(%\S+) = \$SPLAT_{name}\((\S+)\)", splat, text)
    compress = "call <16 x i32> @llvm.experimental.vector.compress.v16i32"
    arguments = r"(<16 x i32> \1, <16 x i1> \2, <16 x i32> poison)"
    text = re.sub(r"\$COMPRESS\((\S+), (\S+)\)", compress + arguments, text)
    return re.sub(r"\$TO_I32\((\S+)\)", rf"{narrow} {shape.format(word)} \1 to {shape.format('i32')}", text)


def _constant(value: object, kind: str = "i32") -> str:
    return f"<{', '.join([f'{kind} {value}'] * _LANES)}>"


def _float(value: float) -> str:
    """Return a float32 constant, which LLVM writes as the bits of the equal float64."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", *struct.unpack("f", struct.pack("f", value))))
    return f"0x{bits:016X}"

"""The walk from the roots of trees to their leaves, as LLVM's intermediate representation.

With AVX-512, 64 rows or trees are walked at once: four vectors of sixteen lanes, each with two gathers a level. Four
vectors hide the time that a gather takes. After three levels the lanes that have not reached a leaf are moved together,
so that few are idle although paths differ in length. Other processors use scalar loads, and move items at each level.

Source: https://llvm.org/docs/LangRef.html (masked gather and scatter, vector compress).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from steps.forest.packing import NARROW

if TYPE_CHECKING:
    from steps.forest.packing import WordFormat

# The lanes of a vector, the vectors that take turns, and the levels between two moves of the lanes.
# `python -m benchmarks.predict_speed` compares four vectors with one.
LANES = 16
VECTORS = 4
LEVELS = 3

# Walk items to their leaves, and write the value of each leaf to its slot. A pass takes the items chunk by chunk, and
# keeps those that have not reached a leaf, in the same arrays from the beginning on.
_WALK = """
define internal void @walk(ptr %words, ptr %bins, i32 %items, i32 %row.mask, ptr %item_position, ptr %item_word,
                           ptr %item_slot, ptr %leaves) {
entry:
  %row.mask.v = $SPLAT_I32(%row.mask)
  br label %pass
pass:
  %count = phi i32 [ %items, %entry ], [ %kept.$VECTORS, %chunk ]
  %pass.more = icmp ne i32 %count, 0
  br i1 %pass.more, label %pass.begin, label %exit
pass.begin:
  %count.v = $SPLAT_I32(%count)
  br label %chunk
chunk:
  %first = phi i32 [ 0, %pass.begin ], [ %chunk.next, %chunk ]
  %kept.0 = phi i32 [ 0, %pass.begin ], [ %kept.$VECTORS, %chunk ]
$LOADS$STEPS$STORES
  %chunk.next = add i32 %first, $CHUNK
  %chunk.more = icmp ult i32 %chunk.next, %count
  br i1 %chunk.more, label %chunk, label %pass
exit:
  ret void
}
"""

# One vector ($V) of a chunk: its items, and which of its lanes have one.
_LOAD = """
  %first.$V = add i32 %first, $OFFSET
  %first.v.$V = $SPLAT_I32(%first.$V)
  %number.$V = add <16 x i32> %first.v.$V, $IOTA
  %active.0.$V = icmp ult <16 x i32> %number.$V, %count.v
  %position.from.$V = getelementptr i32, ptr %item_position, i32 %first.$V
  %position.0.$V = load <16 x i32>, ptr %position.from.$V, align 4
  %slot.from.$V = getelementptr i32, ptr %item_slot, i32 %first.$V
  %slot.$V = load <16 x i32>, ptr %slot.from.$V, align 4
  %row.$V = and <16 x i32> %slot.$V, %row.mask.v
"""

# Narrow words are kept with the items. Wide words are gathered again: LLVM 22 compresses a vector of sixteen of them by
# way of the stack, with an aligned store to an address that is not.
_LOAD_NARROW = """
  %word.from.$V = getelementptr i32, ptr %item_word, i32 %first.$V
  %word.0.$V = load <16 x i32>, ptr %word.from.$V, align 4
"""
_LOAD_WIDE = """
  %word.from.$V = getelementptr i64, ptr %words, <16 x i32> %position.0.$V
  %word.0.$V = call <16 x i64> @llvm.masked.gather.v16i64.v16p0(<16 x ptr> %word.from.$V, i32 8,
                                                               <16 x i1> %active.0.$V, <16 x i64> zeroinitializer)
"""

# One vector ($V) from a level ($L) to the next ($N). A cell is read with the bytes behind it, which are masked.
_STEP = """
  %column.word.$L.$V = $COLUMN_SHIFT <16 x $WORD> %word.$L.$V, $COLUMN_BITS_V
  %column.bits.$L.$V = $TO_I32(%column.word.$L.$V)
  %column.cell.$L.$V = and <16 x i32> %column.bits.$L.$V, $COLUMN_MASK_V
  %cell.$L.$V = or disjoint <16 x i32> %column.cell.$L.$V, %row.$V
  %cell.at.$L.$V = getelementptr $CELL, ptr %bins, <16 x i32> %cell.$L.$V
  %cell.bytes.$L.$V = call <16 x i32> @llvm.masked.gather.v16i32.v16p0(<16 x ptr> %cell.at.$L.$V, i32 1,
                                                       <16 x i1> %active.$L.$V, <16 x i32> zeroinitializer)
  %bin.$L.$V = and <16 x i32> %cell.bytes.$L.$V, $BIN_MASK_V
  %split.bits.$L.$V = $TO_I32(%word.$L.$V)
  %split.$L.$V = and <16 x i32> %split.bits.$L.$V, $BIN_MASK_V
  %right.$L.$V = icmp ugt <16 x i32> %bin.$L.$V, %split.$L.$V
  %distance.word.$L.$V = lshr <16 x $WORD> %word.$L.$V, $DISTANCE_V
  %distance.$L.$V = $TO_I32(%distance.word.$L.$V)
  %left.$L.$V = add <16 x i32> %position.$L.$V, %distance.$L.$V
  %side.$L.$V = zext <16 x i1> %right.$L.$V to <16 x i32>
  %position.$N.$V = add <16 x i32> %left.$L.$V, %side.$L.$V
  %child.at.$L.$V = getelementptr $WORD, ptr %words, <16 x i32> %position.$N.$V
  %word.$N.$V = call <16 x $WORD> @llvm.masked.gather.v16$WORD.v16p0(<16 x ptr> %child.at.$L.$V, i32 $WORD_BYTES,
                                                       <16 x i1> %active.$L.$V, <16 x $WORD> %word.$L.$V)
  %inner.bit.$L.$V = select <16 x i1> %right.$L.$V, <16 x $WORD> $RIGHT_SPLIT_V, <16 x $WORD> $LEFT_SPLIT_V
  %inner.word.$L.$V = and <16 x $WORD> %word.$L.$V, %inner.bit.$L.$V
  %inner.$L.$V = icmp ne <16 x $WORD> %inner.word.$L.$V, zeroinitializer
  %active.$N.$V = and <16 x i1> %active.$L.$V, %inner.$L.$V
"""

# One vector ($V) of a chunk after its last level ($L): write the leaves that were reached, keep the other items.
_STORE = """
  %stopped.$V = xor <16 x i1> %active.$L.$V, $TRUE_V
  %reached.$V = and <16 x i1> %active.0.$V, %stopped.$V
  %leaf.to.$V = getelementptr float, ptr %leaves, <16 x i32> %slot.$V
  %leaf.bits.$V = $TO_I32(%word.$L.$V)
  call void @llvm.masked.scatter.v16i32.v16p0(<16 x i32> %leaf.bits.$V, <16 x ptr> %leaf.to.$V, i32 4,
                                              <16 x i1> %reached.$V)
  %position.kept.$V = $COMPRESS(%position.$L.$V, %active.$L.$V)
  %position.to.$V = getelementptr i32, ptr %item_position, i32 %kept.$V
  store <16 x i32> %position.kept.$V, ptr %position.to.$V, align 4
  %slot.kept.$V = $COMPRESS(%slot.$V, %active.$L.$V)
  %slot.to.$V = getelementptr i32, ptr %item_slot, i32 %kept.$V
  store <16 x i32> %slot.kept.$V, ptr %slot.to.$V, align 4
  %active.bits.$V = bitcast <16 x i1> %active.$L.$V to i16
  %active.count.$V = call i16 @llvm.ctpop.i16(i16 %active.bits.$V)
  %active.count32.$V = zext i16 %active.count.$V to i32
  %kept.$NEXT = add i32 %kept.$V, %active.count32.$V
"""
_STORE_NARROW = """
  %word.kept.$V = $COMPRESS(%word.$L.$V, %active.$L.$V)
  %word.to.$V = getelementptr i32, ptr %item_word, i32 %kept.$V
  store <16 x i32> %word.kept.$V, ptr %word.to.$V, align 4
"""

# The same for processors without gathers: a pass moves each item by one level, so that no item waits for another. The
# position of an item is written to its slot at each level, and for the last time when it has reached its leaf. There
# is no jump that depends on a row, which the processor could not predict.
SCALAR = """
define internal void @walk(ptr %words, ptr %bins, i32 %items, i32 %row.mask, ptr %item_position, ptr %item_word,
                           ptr %item_slot, ptr %leaves) {
entry:
  br label %pass
pass:
  %count = phi i32 [ %items, %entry ], [ %kept.next, %item ]
  %pass.more = icmp ne i32 %count, 0
  br i1 %pass.more, label %item, label %exit
item:
  %number = phi i32 [ 0, %pass ], [ %number.next, %item ]
  %kept = phi i32 [ 0, %pass ], [ %kept.next, %item ]
  %position.from = getelementptr i32, ptr %item_position, i32 %number
  %position = load i32, ptr %position.from
  %slot.from = getelementptr i32, ptr %item_slot, i32 %number
  %slot = load i32, ptr %slot.from
  %word.at = getelementptr $WORD, ptr %words, i32 %position
  %word = load $WORD, ptr %word.at
  %column.word = $COLUMN_SHIFT $WORD %word, $COLUMN_BITS
  %column.bits = $TO_I32(%column.word)
  %column.cell = and i32 %column.bits, $COLUMN_MASK
  %row = and i32 %slot, %row.mask
  %cell = or disjoint i32 %column.cell, %row
  %cell.at = getelementptr $CELL, ptr %bins, i32 %cell
  %bin = load $CELL, ptr %cell.at
  %threshold = trunc $WORD %word to $CELL
  %right = icmp ugt $CELL %bin, %threshold
  %side = zext i1 %right to i32
  %distance.word = lshr $WORD %word, $DISTANCE
  %distance = $TO_I32(%distance.word)
  %left = add i32 %position, %distance
  %child = add i32 %left, %side
  %leaf.to = getelementptr i32, ptr %leaves, i32 %slot
  store i32 %child, ptr %leaf.to
  %position.to = getelementptr i32, ptr %item_position, i32 %kept
  store i32 %child, ptr %position.to
  %slot.to = getelementptr i32, ptr %item_slot, i32 %kept
  store i32 %slot, ptr %slot.to
  %side.word = zext i1 %right to $WORD
  %inner.at = add $WORD %side.word, $LEFT_SPLIT_AT
  %inner.word = lshr $WORD %word, %inner.at
  %inner.bits = $TO_I32(%inner.word)
  %inner = and i32 %inner.bits, 1
  %kept.next = add i32 %kept, %inner
  %number.next = add i32 %number, 1
  %item.more = icmp ult i32 %number.next, %count
  br i1 %item.more, label %item, label %pass
exit:
  ret void
}
"""
# How the value of a leaf is read from its slot after the walk, with vectors and without.
VECTOR_LEAF = """
  %leaf.at = getelementptr float, ptr %leaves.at, i32 %row
  %leaf = load float, ptr %leaf.at
"""
SCALAR_LEAF = """
  %leaf.position.at = getelementptr i32, ptr %leaves.at, i32 %row
  %leaf.position = load i32, ptr %leaf.position.at
  %leaf.at = getelementptr $WORD, ptr %words, i32 %leaf.position
  %leaf = load float, ptr %leaf.at
"""


def fill(template: str, **values: object) -> str:
    """Replace each ``$NAME`` that has a value."""
    return re.sub(r"\$([A-Z]\w*)", lambda found: str(values.get(found[1], found[0])), template)


def vector_walk(form: WordFormat) -> str:
    """Return the walk with vectors of AVX-512."""
    narrow, vectors = form == NARROW, range(VECTORS)
    load, store = (_LOAD + _LOAD_NARROW, _STORE + _STORE_NARROW) if narrow else (_LOAD + _LOAD_WIDE, _STORE)
    loads = "".join(fill(load, V=v, OFFSET=v * LANES) for v in vectors)
    steps = "".join(fill(_STEP, V=v, L=level, N=level + 1) for level in range(LEVELS) for v in vectors)
    stores = "".join(fill(store, V=v, L=LEVELS, NEXT=v + 1) for v in vectors)
    return fill(_WALK, LOADS=loads, STEPS=steps, STORES=stores, VECTORS=VECTORS, CHUNK=VECTORS * LANES)

"""The quantisation of rows, as LLVM's intermediate representation."""

# Write the bins of at most BLOCK rows, column by column. Sixteen rows are searched at once: `bin` is the number of
# thresholds found to be at most the value, and each step decides one bit of it.
QUANTISE = """
define internal void @quantise(ptr %column_feature, ptr %column_missing, ptr %column_start, ptr %column_steps,
                               i32 %columns, ptr %thresholds, ptr %rows, i32 %size, i32 %features, ptr %bins) {
entry:
  %last = sub i32 %size, 1
  %last.v = $SPLAT_I32(%last)
  %features.v = $SPLAT_I32(%features)
  br label %column.test
column.test:
  %column = phi i32 [ 0, %entry ], [ %column.next, %column.end ]
  %column.more = icmp ult i32 %column, %columns
  br i1 %column.more, label %column.begin, label %exit
column.begin:
  %feature.at = getelementptr i32, ptr %column_feature, i32 %column
  %feature = load i32, ptr %feature.at
  %feature.v = $SPLAT_I32(%feature)
  %missing.at = getelementptr i32, ptr %column_missing, i32 %column
  %missing = load i32, ptr %missing.at
  %missing.v = $SPLAT_I32(%missing)
  %start.at = getelementptr i32, ptr %column_start, i32 %column
  %start = load i32, ptr %start.at
  %own = getelementptr float, ptr %thresholds, i32 %start
  %steps.at = getelementptr i32, ptr %column_steps, i32 %column
  %steps = load i32, ptr %steps.at
  %steps.less = sub i32 %steps, 1
  %step.first = shl i32 1, %steps.less
  %column.cell = mul i32 %column, $BLOCK
  br label %row
row:
  %j = phi i32 [ 0, %column.begin ], [ %j.next, %row.end ]
  %j.v = $SPLAT_I32(%j)
  %lane = add <16 x i32> %j.v, $IOTA
  %valid = call <16 x i32> @llvm.umin.v16i32(<16 x i32> %lane, <16 x i32> %last.v)
  %lane.row = mul <16 x i32> %valid, %features.v
  %cell = add <16 x i32> %lane.row, %feature.v
  %cell.at = getelementptr float, ptr %rows, <16 x i32> %cell
  %x = call <16 x float> @llvm.masked.gather.v16f32.v16p0(<16 x ptr> %cell.at, i32 4, <16 x i1> $TRUE_V,
                                                          <16 x float> zeroinitializer)
  br label %search
search:
  %bin = phi <16 x i32> [ zeroinitializer, %row ], [ %bin.next, %search ]
  %step = phi i32 [ %step.first, %row ], [ %step.next, %search ]
  %step.v = $SPLAT_I32(%step)
  %higher = add <16 x i32> %bin, %step.v
  %probe = sub <16 x i32> %higher, $ONE_V
  %probe.at = getelementptr float, ptr %own, <16 x i32> %probe
  %threshold = call <16 x float> @llvm.masked.gather.v16f32.v16p0(<16 x ptr> %probe.at, i32 4, <16 x i1> $TRUE_V,
                                                                  <16 x float> zeroinitializer)
  %reached = fcmp oge <16 x float> %x, %threshold
  %bin.next = select <16 x i1> %reached, <16 x i32> %higher, <16 x i32> %bin
  %step.next = lshr i32 %step, 1
  %search.more = icmp ne i32 %step.next, 0
  br i1 %search.more, label %search, label %row.end
row.end:
  %absent = fcmp uno <16 x float> %x, zeroinitializer
  %result = select <16 x i1> %absent, <16 x i32> %missing.v, <16 x i32> %bin.next
  %narrow = trunc <16 x i32> %result to <16 x $CELL>
  %result.cell = add i32 %column.cell, %j
  %result.at = getelementptr $CELL, ptr %bins, i32 %result.cell
  store <16 x $CELL> %narrow, ptr %result.at, align 2
  %j.next = add i32 %j, 16
  %j.more = icmp ult i32 %j.next, %size
  br i1 %j.more, label %row, label %column.end
column.end:
  %column.next = add i32 %column, 1
  br label %column.test
exit:
  ret void
}
"""

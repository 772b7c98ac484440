"""What the pipeline writes into a workflow for the local executor to read, apart from Hera, whose import takes long."""

# The parameters whose value is the address of content: the local executor's cache counts them by that content.
SOURCE_ANNOTATION = "covertype/source-parameters"
# Says of a step that it changes something outside the run, so that a result of an earlier run is no substitute.
PUBLISHES_ANNOTATION = "covertype/publishes"
# The outputs that a step finds as an earlier attempt left them, and the parameters that may differ from that attempt's.
CONTINUES_ANNOTATION = "covertype/continues"
DESPITE_ANNOTATION = "covertype/continues-despite"
# Lost pods, exit code 75 (TransientError), and 143, with which a pod ends that is deleted or whose node is
# drained; never an out-of-memory kill, nor a step over its deadline (it too ends with 143), which would only repeat.
RETRIED_CODES = (75, 143)
RETRY_EXPRESSION = (
    f'lastRetry.status == "Error" || (asInt(lastRetry.exitCode) in {list(RETRIED_CODES)} '
    '&& not (lastRetry.message contains "deadline"))'
)

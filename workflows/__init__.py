"""The DAG and its command line: knows Argo and Hera, knows no machine learning."""

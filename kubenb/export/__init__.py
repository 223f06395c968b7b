"""The make floor: a pipeline becomes task notebooks, pod manifests and the text of a DAG file. Pure: values in, values
or text out.

`task_notebook` and `manifest` pack one task, `dag` writes the file for people, `files` puts all of it together,
`checks` looks at it before. Next room: `kubenb.delivery` lays the files down, `kubenb.run` starts the same manifests.
"""

"""How things look: graph, problems, tables, results and the usage line, each as plain text, HTML and Markdown.

In: values of the floors below. Out: `Shown` values, which `kubenb.actions` hands to every face alike. Decides nothing.
"""

"""The ground floor: values and words that every other floor speaks in. Standard library only.

`problems` is what is said of a mistake, `pipeline` what a notebook turns into, `options` the one table of options with its
`kinds` of values (`values`, `phrases`, `quantities`, `schedules`), `names` what may be called how. Next floor: `kubenb.notebook`.
"""

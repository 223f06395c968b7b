"""A cluster, asked by plain HTTPS and plain JSON.

In: a kubeconfig's context and manifests. Out: pods, their states, logs and data, and the cause in words where something fails.
Nothing here asks a cluster that a caller did not name.
"""

"""Object stores for tests, on this machine: S3, Google's and Azure's, each by a well-kept server of somebody else's."""

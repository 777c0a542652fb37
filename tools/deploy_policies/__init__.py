"""The IAM policies of whoever deploys, previews and compares the stack."""

"""What the product costs, each figure beside the floor of the same run (see README.md)."""

"""What the tests share: phones, peers, a running hotline, leak checks. Test helpers live here and nowhere else."""

"""Extensions: external systems that run VMs, and the actions that they offer."""

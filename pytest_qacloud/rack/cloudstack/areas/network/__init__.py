"""Guest networks, their routers and public addresses, the rules on these, and virtual private clouds."""

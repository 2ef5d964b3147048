"""Projects: their life, members, invitations and roles."""

"""Questions about a network on a device beyond 'does it fit': how large, how full, why."""

"""An on-chain accountant for A New Hope: order first, execute only what an answer needs."""

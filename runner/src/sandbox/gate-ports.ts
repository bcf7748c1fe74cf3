/** Ports on a job's own loopback behind which somebody outside answers. */
export const gatePorts = {
  /** The proxy that leads to the network. */
  proxy: 3128,
  /** The model, for agents that want a port for it. */
  model: 3129,
} as const;

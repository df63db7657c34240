/** Whether this is a deployment on one's own machine: it has an outbox instead of real mail. */
export const isLocal = (): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);

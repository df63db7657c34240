// The page that was asked for is the address that stands above: loading it again opens it.
const EVERY_MS = 5000;
const again = () => location.reload();
document.getElementById('again').addEventListener('click', again);
addEventListener('online', again);
// A network is not always the way to Gatehouse, and its return is not always told.
setInterval(
  () =>
    fetch('/api/v1/health', { cache: 'no-store' }).then(
      ({ ok }) => ok && again(),
      () => undefined,
    ),
  EVERY_MS,
);

// The page that was asked for is the address that stands above: loading it again opens it.
const again = () => location.reload();
document.getElementById('again').addEventListener('click', again);
addEventListener('online', again);

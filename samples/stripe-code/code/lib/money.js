// Amounts are integers in the currency's smallest unit; this is for people to read.
function money(amount, currency) {
  return new Intl.NumberFormat('en-US', { style: 'currency', currency }).format(amount / 100);
}

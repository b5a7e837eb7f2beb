// The channel has nothing to show: it is there so that a page can speak to Python on a comm of its own.
export default { render() {} };

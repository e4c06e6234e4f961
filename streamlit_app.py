"""What `make app` starts. It stands outside the package, whose folder on the path would hide other libraries' `datasets`."""

from wyf_utils import app

app.main()

"""What `make app` starts. It stands outside the package, whose folder on the path would hide other libraries' `datasets`."""

import streamlit as st

with st.spinner("여는 중이에요… · Opening…"):  # the libraries of the models take seconds
    from wyf_utils.app import page

page.main()

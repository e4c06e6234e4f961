"""Start the page (`make app`). Streamlit runs a script, which cannot import relatively."""

import streamlit as st

import wyf_utils

wyf_utils.set_openmp_waiting()
with st.spinner("여는 중이에요… · Opening…"):  # the libraries of the models take seconds
    from wyf_utils.app import page

page.main()

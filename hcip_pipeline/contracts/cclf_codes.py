"""The widths of coded CCLF fields: the number of digits of a code, however wide the field is.

CMS delivers the same code with and without leading zeros (``01`` for adjustment type 1, `` 2`` for status 02), so every
coded field is padded or trimmed to its width before anything compares it. Codes with other characters are unchanged.
"""

#: field -> digits of a code
CODE_WIDTHS: dict[str, int] = {
    "bene_dual_stus_cd": 2,
    "bene_fips_cnty_cd": 3,
    "bene_fips_state_cd": 2,
    "bene_mdcr_stus_cd": 2,
    "bene_ptnt_stus_cd": 2,
    "bene_zip_cd": 5,
    "clm_adjsmt_type_cd": 1,
    "clm_admsn_src_cd": 1,
    "clm_admsn_type_cd": 1,
    "clm_carr_pmt_dnl_cd": 1,
    "clm_disp_cd": 2,
    "clm_line_prod_rev_ctr_cd": 4,
    "clm_phrmcy_srvc_type_cd": 2,
    "clm_pos_cd": 2,
    "clm_prvdr_spclty_cd": 2,
    "clm_type_cd": 2,
    "dgns_drg_cd": 3,
    "prvdr_fac_fips_st_cd": 2,
    "prvdr_prsbng_id_qlfyr_cd": 2,
    "prvdr_srvc_id_qlfyr_cd": 2,
    "rndrg_prvdr_fips_st_cd": 2,
}

#: field -> the codes that final action knows; with any other, it is not known what the claim counts as
CODES: dict[str, tuple[str, ...]] = {"clm_adjsmt_type_cd": ("0", "1", "2")}


def at_width(code: str, width: int) -> str:
    """The code at its width: zeros are added or removed on the left; no other digit changes."""
    if len(code) == width or not (code.isascii() and code.isdigit()):
        return code
    return code.lstrip("0").zfill(width)
